import { createServer } from 'node:net';

/** An error of `listen()`. */
interface ListenError extends NodeJS.ErrnoException {
  readonly port?: number;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use',
  EACCES: 'requires more privileges',
};

/** Starts a sample. If its port is not available, the process exits with one line that says how to choose another port. */
export function run(bootstrap: () => Promise<void>): void {
  bootstrap().catch((error: unknown) => {
    const problem = explainPort(error, process.env);
    if (problem === undefined) throw error;
    process.stderr.write(`${problem}\n`);
    process.exit(1);
  });
}

/** Explains an error of `listen()`. @returns `undefined` for any other error. */
export function explainPort(error: unknown, env: NodeJS.ProcessEnv): string | undefined {
  const { code = '', port } = (error ?? {}) as ListenError;
  const problem = Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code] : undefined;
  if (problem === undefined || port === undefined) return undefined;
  const { PORT, npm_lifecycle_event: script = 'start' } = env;
  // By default, the frontend's port is the one after the API's.
  const isFrontend = port === Number(env.FRONTEND_PORT || Number(PORT || 3000) + 1);
  const variable = isFrontend ? 'FRONTEND_PORT' : 'PORT';
  const another = port < 1024 ? 4000 : port > 60_000 ? port - 1000 : port + 1000;
  return `Port ${port} ${problem}. Choose another with the variable ${variable}: ${variable}=${another} npm run ${script}`;
}

/** Checks that a port is free, before Nest fails to use it and logs a stack trace. @throws the error of `listen()`. */
export async function ensureFree(port: number, host?: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ port, host }, resolve));
  await new Promise((resolve) => server.close(resolve));
}
