export const postPresigner = (_: unknown) => ({ presignPost: undefined as never })
