/** An application that uses every optional package nest-clerk can load. It is compiled, bundled and then started. */
import type { IncomingMessage } from 'node:http';

import { applyDecorators, Catch, Controller, Get, Module, UseFilters, UseGuards } from '@nestjs/common';
import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { Auth, ClerkGuard, ClerkModule, ClerkSockets } from 'nest-clerk';

/** Nest 11 sends exceptions to socket.io clients, but not to `ws` clients. */
@Catch(WsException)
class SendExceptions extends BaseWsExceptionFilter {
  override catch(exception: WsException, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<{ send?(text: string): void; handshake?: object }>();
    if (client.handshake || !client.send) return super.catch(exception, host);
    client.send(JSON.stringify({ event: 'exception', data: exception.getError() }));
  }
}

/** On Nest 11, global guards do not run for gateways. On Nest 12 they do, and the boot fails unless nest-clerk detects that. */
const Guarded = () =>
  process.env.NEST_MAJOR === '11'
    ? applyDecorators(UseGuards(ClerkGuard), UseFilters(new SendExceptions()))
    : applyDecorators();

@WebSocketGateway()
@Guarded()
class ChatGateway {
  constructor(private readonly sockets: ClerkSockets) {}

  handleConnection(client: object, request?: IncomingMessage) {
    return this.sockets.connect(client, request, { required: false });
  }

  @SubscribeMessage('say')
  say(@Auth('userId') userId: string) {
    return { event: 'said', data: userId };
  }
}

@Controller()
class InvoicesController {
  @Get('invoices')
  list(@Auth('userId') userId: string) {
    return { userId };
  }

  @MessagePattern('invoices')
  count(@Auth('userId') userId: string) {
    return { userId };
  }
}

const credentials = (context: ExecutionContext) => context.switchToRpc().getData<{ token?: string }>().token;

@Module({
  imports: [ClerkModule.forRoot({ rpc: { credentials } })],
  controllers: [InvoicesController],
  providers: [ChatGateway],
})
class AppModule {}

async function bootstrap() {
  const { PORT, RPC_PORT, SOCKETS } = process.env;
  const app = await NestFactory.create(AppModule);
  app.useWebSocketAdapter(SOCKETS === 'ws' ? new WsAdapter(app) : new IoAdapter(app));
  const options = { host: '127.0.0.1', port: Number(RPC_PORT) };
  app.connectMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(Number(PORT), '127.0.0.1');
}

void bootstrap();
