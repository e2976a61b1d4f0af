"""``sentistream monitor join``, ``link`` and ``leave``."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from fleet.fleet_sites import invite
from sentistream.cli import main
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.site_link.link_state import LINK_FILE


def run(state: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["monitor", "--state", str(state), *arguments], input=typed)


def test_site_joins_shows_its_state_and_leaves(hq: Headquarters, tmp_path: Path) -> None:
    state = tmp_path / "shop"
    before = run(state, "link")
    assert before.exit_code == 1
    assert "reports to no headquarters" in before.output
    code = invite(hq)
    joined = run(state, "join", "-", typed=f"  {code[:60]}\n{code[60:]}\n")
    assert joined.exit_code == 0, joined.output
    assert "Joined Example Ltd as North Street (north)." in joined.output
    assert (state / LINK_FILE).stat().st_mode & 0o077 == 0
    shown = run(state, "link")
    assert "Example Ltd" in shown.output
    assert "Records that wait: 0" in shown.output
    again = run(state, "join", code)
    assert again.exit_code == 2
    assert "already" in again.output
    refused = run(state, "leave", typed="n\n")
    assert refused.exit_code == 1
    left = run(state, "leave", "--yes")
    assert "headquarters knows" in left.output
    assert hq.registry.site("north").state == "left"
    assert not (state / LINK_FILE).exists()
    assert run(state, "leave", "--yes").exit_code == 2


def test_leaving_works_without_headquarters(hq: Headquarters, tmp_path: Path) -> None:
    run(tmp_path / "shop", "join", invite(hq))
    hq.close()
    left = run(tmp_path / "shop", "leave", "--yes", "--timeout", "1")
    assert left.exit_code == 0
    assert "could not be told" in left.output
    assert not (tmp_path / "shop" / LINK_FILE).exists()


def test_wrong_code_and_unreachable_broker_are_reported(tmp_path: Path, hq: Headquarters) -> None:
    wrong = run(tmp_path / "shop", "join", "sentistream-join-nonsense")
    assert wrong.exit_code == 2
    assert "Copy the whole code" in wrong.output
    code = invite(hq)
    from sentistream.monitor.fleet.join_code import BrokerAddress, JoinCode

    elsewhere = JoinCode(
        **{
            **{
                name: getattr(JoinCode.decode(code), name)
                for name in ("topic", "site", "name", "secret", "headquarters")
            },
            "broker": BrokerAddress(host="127.0.0.1", port=9),
        }
    )
    dead = run(tmp_path / "shop", "join", elsewhere.encode(), "--timeout", "1")
    assert dead.exit_code == 2
    assert "The broker 127.0.0.1:9 cannot be used" in dead.output
    assert run(tmp_path / "shop", "link").exit_code == 1
    # the right code still works
    assert run(tmp_path / "shop", "join", code).exit_code == 0
