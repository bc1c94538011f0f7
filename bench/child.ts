import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process of its own that says when it is ready, and answers one question after the other. */
export class Child<Ready> {
  private constructor(
    private readonly process: ChildProcess,
    readonly ready: Ready,
  ) {}

  /** @param script Is given `options` as JSON, in its first argument. */
  static async start<Ready>(
    script: URL,
    options: object,
    { execArgv = [], env = {} }: { execArgv?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Child<Ready>> {
    const child = fork(fileURLToPath(script), [JSON.stringify(options)], {
      env: { ...process.env, NODE_ENV: 'production', CLERK_TELEMETRY_DISABLED: '1', ...env },
      execArgv: ['--expose-gc', ...execArgv],
    });
    return new Child(child, await messageOf<Ready>(child));
  }

  ask<Answer>(question: string): Promise<Answer> {
    const answer = messageOf<Answer>(this.process);
    this.process.send(question);
    return answer;
  }

  stop(): void {
    this.process.kill();
  }
}

function messageOf<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`the server ended with ${code}`));
    child.once('exit', ended).once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Message);
    });
  });
}
