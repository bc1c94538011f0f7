/** Ends the command with a message that says what to do. */
export class CliError extends Error {
  /** @param exitCode 1: the command failed. 2: wrong usage. */
  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
