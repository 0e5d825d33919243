"use strict";
// The page of the API: Swagger UI, as django-ninja ships it, over the document of this very desk.
const docs = document.getElementById("api-docs");
window.SwaggerUIBundle({ domNode: docs, url: docs.dataset.url, deepLinking: true, validatorUrl: null });
