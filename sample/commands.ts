import type { Callers } from './local-clerk.js';

/** A shell command and its expected response. */
export interface Command {
  /** Refers to tokens by the variables of {@link toScript}. */
  readonly command: string;
  /** Starts with the status or code. */
  readonly response: string;
}

/** The shell variable for the token of each caller. */
const VARIABLES: Readonly<Record<keyof Callers, string>> = {
  ada: 'ADA',
  grace: 'GRACE',
  apiKey: 'API_KEY',
  m2m: 'M2M',
};

/**
 * Returns a script to paste into any shell, all at once or line by line: the tokens in variables, then each command below
 * its expected response. The response is printed by `echo`, since an interactive zsh does not support comments.
 */
export function toScript(callers: Partial<Callers>, commands: readonly Command[]): string {
  const tokens = Object.entries(callers).map(([caller, token]) => `${VARIABLES[caller as keyof Callers]}='${token}'`);
  const blocks = commands.map(({ command, response }) => `echo '# ${response}'\n${command}`);
  return [tokens.join('\n'), ...blocks].join('\n\n');
}
