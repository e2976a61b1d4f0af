// Asks before a page is left whose form has changes that are not saved.

let form;
let saved = "";
let sending = false;

const written = () => new URLSearchParams(new FormData(form)).toString();

addEventListener("beforeunload", (event) => {
  if (form?.isConnected && !sending && written() !== saved) event.preventDefault();
});
document.addEventListener("submit", (event) => {
  // removing the camera leaves its form behind, too
  if (event.target === form || event.target.closest(".remove")) sending = true;
});
document.addEventListener("page:replaced", () => {
  // it was not saved: what is in the form is still only there
  form = document.querySelector("form[data-guard]");
  sending = false;
  saved = document.querySelector("main [role=alert]") ? "" : form && written();
});

form = document.querySelector("form[data-guard]");
if (form) saved = written();
