import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy between an application and Clerk, like a load balancer, that can close connections with unanswered requests.
 * Clerk's client cannot abort a request, and would keep each of them open for minutes.
 */
export class TcpProxy {
  /** Connections with a request that has no answer yet. */
  private readonly waiting = new Set<Socket>();
  private readonly open = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (socket) => proxy.join(socket, connect(port, '127.0.0.1')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
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
      // Only the first part of a request counts, since Clerk may respond before the rest arrives.
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
