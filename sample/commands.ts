import type { Callers } from './local-clerk.js';

/** Something to paste into a shell, and what it answers. */
export interface Command {
  /** Names tokens by the variables of {@link toScript}. */
  readonly command: string;
  readonly answer: string;
}

/** The shell's variable for the token of each caller. */
const VARIABLES: Readonly<Record<keyof Callers, string>> = {
  ada: 'ADA',
  grace: 'GRACE',
  apiKey: 'API_KEY',
  m2m: 'M2M',
};

/**
 * Lines that any shell takes as they are, all at once or one by one: tokens in variables, then each command below the
 * answer to expect. That is an `echo`, not a comment: pasted into zsh, a `#` begins no comment.
 */
export function toScript(callers: Partial<Callers>, commands: readonly Command[]): string {
  const tokens = Object.entries(callers).map(([caller, token]) => `${VARIABLES[caller as keyof Callers]}='${token}'`);
  const blocks = commands.map(({ command, answer }) => `echo '# ${answer}'\n${command}`);
  return [tokens.join('\n'), ...blocks].join('\n\n');
}
