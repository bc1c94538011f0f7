import { createServer } from 'node:net';

/** What an error of `listen()` says. */
interface ListenError extends NodeJS.ErrnoException {
  readonly port?: number;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use',
  EACCES: 'may not be used by this user',
};

/** Starts a sample. Where a port cannot be had, the process ends with one line that says how to choose another. */
export function run(bootstrap: () => Promise<void>): void {
  bootstrap().catch((error: unknown) => {
    const problem = explainPort(error, process.env);
    if (problem === undefined) throw error;
    process.stderr.write(`${problem}\n`);
    process.exit(1);
  });
}

/** @returns `undefined` for any other error. */
export function explainPort(error: unknown, env: NodeJS.ProcessEnv): string | undefined {
  const { code = '', port } = (error ?? {}) as ListenError;
  const problem = Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code] : undefined;
  if (problem === undefined || port === undefined) return undefined;
  const { PORT, npm_lifecycle_event: script = 'start' } = env;
  // The frontend's is the next one, unless it is chosen as well.
  const isFrontend = port === Number(env.FRONTEND_PORT || Number(PORT || 3000) + 1);
  const variable = isFrontend ? 'FRONTEND_PORT' : 'PORT';
  const another = port < 1024 ? 4000 : port > 60_000 ? port - 1000 : port + 1000;
  return `Port ${port} ${problem}. Choose another with the variable ${variable}: ${variable}=${another} npm run ${script}`;
}

/** @throws the error of `listen()` where the port cannot be had: before Nest logs it with a stack trace. */
export async function ensureFree(port: number, host?: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ port, host }, resolve));
  await new Promise((resolve) => server.close(resolve));
}
