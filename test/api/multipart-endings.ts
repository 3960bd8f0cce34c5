export function multipartEndings(_: unknown) {}
