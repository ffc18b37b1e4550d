// Shows /api/openapi.json in Swagger UI. A file of its own, so that the site's
// Content-Security-Policy can refuse inline scripts.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

// Swagger UI has dark colours under this class, but only its top bar, unused here, sets it.
function followColourScheme() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

dark.addEventListener("change", followColourScheme);
followColourScheme();

if (window.SwaggerUIBundle) {
  window.SwaggerUIBundle({
    url: "/api/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    // Answers hold private download addresses: nothing goes to a validator elsewhere.
    validatorUrl: null,
  });
} else {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.textContent = "Swagger UI is not in place: run `make install`.";
  document.getElementById("api").append(notice);
}
