export function multipartRefusals(_: unknown) {}
