/** The API's description as a page: everything it needs comes from this server. */
import 'swagger-ui-dist/swagger-ui.css'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import './docs.css'

// Relative, so that it also works below a path prefix of a reverse proxy.
const answer = await fetch('openapi.json')
// The one server is this one: a choice of one without a name is a barrier.
const { servers: _, ...spec } = (await answer.json()) as { servers: unknown }

SwaggerUI({
  dom_id: '#docs',
  spec,
  // Deep links would lie within the buttons that open an operation, which a screen reader cannot tell apart.
  deepLinking: false,
  // The one thing that would ask another server.
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
})
