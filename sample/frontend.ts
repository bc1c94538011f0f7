import { createServer, type Server } from 'node:http';

import { openFile } from './pages/files.js';

/** The URLs that the frontend uses. */
export interface FrontendConfig {
  readonly apiUrl: string;
  /** Clerk's Frontend API. */
  readonly clerkUrl: string;
  readonly signInUrl: string;
}

/**
 * Starts a frontend on another origin, like a React application: static files with a script that calls the API with a
 * Bearer token.
 * @returns the server, which listens on loopback only.
 */
export async function startFrontend(port: number, config: FrontendConfig): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://frontend');
    if (pathname === '/config.json') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(config));
      return;
    }
    const file = openFile(pathname === '/' ? 'frontend.html' : pathname.replace('/assets/', ''));
    if (file) response.writeHead(200, { 'Content-Type': file.type }).end(file.content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return server;
}
