/** The part of the page's library that is used here; it ships no types. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  export default function SwaggerUI(options: {
    dom_id: string
    spec: object
    deepLinking?: boolean
    validatorUrl?: string | null
    defaultModelsExpandDepth?: number
  }): unknown
}
