/** What stops the command, in a sentence that says what to do. */
export class CliError extends Error {
  /** 1: it did not work. 2: it was called in a way that it does not know. */
  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
