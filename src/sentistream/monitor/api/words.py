"""The words of the pages before the login."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection

COOKIE = "sentistream-language"
"""What the page keeps a visitor's choice in."""

_ENGLISH = {
    "login": "Log in",
    "name": "User name",
    "password": "Password",
    "wrong": "User name or password is wrong.",
    "wait": "Too many attempts. Please wait {seconds} seconds.",
    "down": "The database does not answer. Please try again in a moment.",
    "setup": "Set up sentistream",
    "welcome": "Choose a user name and a password. You will be the first manager.",
    "again": "Repeat the password",
    "hint": "At least {shortest} characters, for instance a few words that do not belong together.",
    "hint_name": "Letters a to z, digits and . _ @ -",
    "differ": "The two passwords differ.",
    "unfit_name": "This user name will not do: letters a to z, digits and . _ @ - only.",
    "unfit_password": "This password is too short or too easy to guess.",
    "create": "Create and log in",
    "gone": "This link can no longer be used",
    "gone_text": "It works once, for an hour, until the program is started anew. "
    "Start sentistream again: the terminal shows a new link, unless somebody can log in already.",
    "to_login": "To the login",
    "logout": "Log out",
    "logout_text": "You are logged in as {name}.",
    "back": "Back",
    "missing": "There is no such page",
    "missing_text": "Check the address, or begin at the start page.",
    "failed": "This did not work",
    "failed_text": "Please try again in a moment.",
    "to_start": "To the start page",
    "tagline": "How people come across, live and on this machine alone.",
}

_GERMAN = {
    "login": "Anmelden",
    "name": "Benutzername",
    "password": "Passwort",
    "wrong": "Benutzername oder Passwort ist falsch.",
    "wait": "Zu viele Versuche. Bitte {seconds} Sekunden warten.",
    "down": "Die Datenbank antwortet nicht. Bitte gleich noch einmal versuchen.",
    "setup": "sentistream einrichten",
    "welcome": "Wählen Sie Benutzername und Passwort. Sie verwalten dann als Erste oder Erster.",
    "again": "Passwort wiederholen",
    "hint": "Mindestens {shortest} Zeichen, etwa ein paar Wörter, die nicht zusammengehören.",
    "hint_name": "Buchstaben a bis z, Ziffern und . _ @ -",
    "differ": "Die beiden Passwörter sind verschieden.",
    "unfit_name": "Dieser Benutzername geht nicht: nur Buchstaben a bis z, Ziffern und . _ @ -.",
    "unfit_password": "Dieses Passwort ist zu kurz oder zu leicht zu erraten.",
    "create": "Anlegen und anmelden",
    "gone": "Dieser Link gilt nicht mehr",
    "gone_text": "Er gilt einmal, eine Stunde lang und bis zum nächsten Start. Starten Sie "
    "sentistream neu: Das Terminal zeigt einen neuen Link, sofern sich noch niemand anmelden kann.",
    "to_login": "Zur Anmeldung",
    "logout": "Abmelden",
    "logout_text": "Sie sind als {name} angemeldet.",
    "back": "Zurück",
    "missing": "Diese Seite gibt es nicht",
    "missing_text": "Prüfen Sie die Adresse, oder beginnen Sie auf der Startseite.",
    "failed": "Das hat nicht geklappt",
    "failed_text": "Bitte gleich noch einmal versuchen.",
    "to_start": "Zur Startseite",
    "tagline": "Wie Menschen wirken, live und nur auf diesem Gerät.",
}

WORDS: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH, "de": _GERMAN}


def language_of(connection: HTTPConnection, otherwise: str) -> str:
    """What the visitor chose, else what the browser prefers of ours, else ``otherwise``."""
    chosen = connection.cookies.get(COOKIE, "")
    if chosen in WORDS:
        return chosen
    wanted = []
    for part in connection.headers.get("accept-language", "")[:400].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), tag[:2].lower()))
        except ValueError:
            continue
    known = [(weight, language) for weight, language in wanted if language in WORDS and weight > 0]
    return max(known, key=lambda one: one[0])[1] if known else otherwise
