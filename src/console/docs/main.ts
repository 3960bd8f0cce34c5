/** The API's description as a page: everything it needs comes from this server. */
import 'swagger-ui-dist/swagger-ui.css'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'

SwaggerUI({
  dom_id: '#docs',
  // Relative, so that it also works below a path prefix of a reverse proxy.
  url: 'openapi.json',
  deepLinking: true,
  // The one thing that would ask another server.
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
})
