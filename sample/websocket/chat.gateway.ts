import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Auth, ClerkSockets, Public, RequirePermission } from 'nest-clerk';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() private readonly server!: Server;

  constructor(private readonly sockets: ClerkSockets) {}

  /** Closes the socket unless the caller is signed in. */
  handleConnection(client: Socket): Promise<boolean> {
    return this.sockets.connect(client);
  }

  @SubscribeMessage('say')
  say(@Auth('userId') userId: string, @MessageBody() text: string): void {
    this.server.emit('said', { userId, text });
  }

  @SubscribeMessage('announce')
  @RequirePermission('org:invoices:create')
  announce(@Auth('orgId') orgId: string, @MessageBody() text: string): void {
    this.server.emit('announced', { orgId, text });
  }

  /** The client sends a fresh token of Clerk's `getToken()`. Public, since the socket's current token may have expired. */
  @SubscribeMessage('refresh')
  @Public()
  async refresh(@ConnectedSocket() client: Socket, @MessageBody() token: string) {
    await this.sockets.refresh(client, token);
    return { event: 'refreshed' };
  }
}
