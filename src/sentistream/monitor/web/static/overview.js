// Keeps the overview up to date while somebody looks at it.

const EVERY = 30_000;

const renew = async () => {
  if (document.hidden) return;
  const answer = await fetch(location.pathname, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.querySelector(`[data-live="${part.dataset.live}"]`);
    // nobody loses the place at which they are
    if (!fresh || part.contains(document.activeElement)) continue;
    for (const [place, details] of part.querySelectorAll("details").entries()) fresh.querySelectorAll("details")[place]?.toggleAttribute("open", details.open);
    if (part.innerHTML !== fresh.innerHTML) part.replaceWith(fresh);
  }
};
setInterval(renew, EVERY);
document.addEventListener("visibilitychange", renew);
