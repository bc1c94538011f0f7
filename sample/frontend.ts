import { createServer, type Server } from 'node:http';

import { openFile } from './pages/files.js';

/** Where the frontend finds what it needs. */
export interface FrontendConfig {
  readonly apiUrl: string;
  /** Clerk's Frontend API. */
  readonly clerkUrl: string;
  readonly signInUrl: string;
}

/**
 * A frontend on an origin of its own, as a React application would be: static files, and a script that calls the API
 * with a Bearer token. @returns the server, listening on loopback.
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
