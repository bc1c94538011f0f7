import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A child process that reports when it is ready, and then responds to one message at a time. */
export class Child<Ready> {
  private constructor(
    private readonly process: ChildProcess,
    readonly ready: Ready,
  ) {}

  /** @param script Receives `options` as JSON in its first argument. */
  static async start<Ready>(
    script: URL,
    options: object,
    { execArgv = [], env = {} }: { execArgv?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Child<Ready>> {
    const child = fork(fileURLToPath(script), [JSON.stringify(options)], {
      env: { ...process.env, NODE_ENV: 'production', CLERK_TELEMETRY_DISABLED: '1', ...env },
      execArgv: ['--expose-gc', ...execArgv],
    });
    return new Child(child, await nextMessage<Ready>(child));
  }

  ask<Response>(message: string | object): Promise<Response> {
    const response = nextMessage<Response>(this.process);
    this.process.send(message);
    return response;
  }

  stop(): void {
    this.process.kill();
  }
}

function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the server exited with ${code}`));
    child.once('exit', onExit).once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as Message);
    });
  });
}
