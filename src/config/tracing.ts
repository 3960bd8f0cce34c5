/**
 * Whether the OpenTelemetry variables name a collector of traces. The OpenTelemetry library reads the other variables
 * (headers, service name, sampling). Source: the specification's page on SDK environment variables.
 */
export function wantsTracing(env: NodeJS.ProcessEnv): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false
  const exporter = env['OTEL_TRACES_EXPORTER'] ?? ''
  if (exporter !== '') return exporter.split(',').includes('otlp')
  return Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'])
}
