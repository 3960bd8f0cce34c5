/** The API reference page. It loads everything from this server. */
import 'swagger-ui-dist/swagger-ui.css'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import './docs.css'

// Relative, so that it works below a reverse proxy's path prefix.
const answer = await fetch('openapi.json')
// There is only this server. A select box with one unlabelled choice would be an accessibility barrier.
const { servers: _, ...spec } = (await answer.json()) as { servers: unknown }

SwaggerUI({
  dom_id: '#docs',
  spec,
  // Deep links would put links inside buttons, which screen readers cannot tell apart.
  deepLinking: false,
  // Disables the validator badge, the only part that would contact another server.
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
})
