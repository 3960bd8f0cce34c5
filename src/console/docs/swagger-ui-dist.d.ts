/** The part of Swagger UI that is used here. The package ships no types. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  export default function SwaggerUI(options: {
    dom_id: string
    spec: object
    deepLinking?: boolean
    validatorUrl?: string | null
    defaultModelsExpandDepth?: number
  }): unknown
}
