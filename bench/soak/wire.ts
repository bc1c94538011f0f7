import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What stands between an application and Clerk, as a load balancer does: it can end the requests that were never answered.
 * Clerk's client cannot be told to give up, and would hold on to each of them for minutes.
 */
export class Wire {
  /** Connections with a request that has no answer yet. */
  private readonly waiting = new Set<Socket>();
  private readonly open = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server);
    server.on('connection', (socket) => wire.join(socket, connect(port, '127.0.0.1')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cutWaiting(): void {
    for (const socket of this.waiting) socket.destroy();
  }

  close(): void {
    for (const socket of this.open) socket.destroy();
    this.server.close();
  }

  private join(near: Socket, far: Socket): void {
    this.open.add(near);
    near.on('data', (chunk) => {
      // Of a request in several parts Clerk may have answered the first before the rest is here.
      if (/^(?:GET|POST) /.test(chunk.toString('latin1', 0, 5))) this.waiting.add(near);
      far.write(chunk);
    });
    far.on('data', (chunk) => (this.waiting.delete(near), near.write(chunk)));
    near.on('end', () => far.end()).on('error', () => far.destroy());
    far.on('end', () => near.end()).on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => {
      far.destroy();
      this.open.delete(near);
      this.waiting.delete(near);
    });
  }
}
