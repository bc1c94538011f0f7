import { ClientProxyFactory, Transport, type ClientProxy, type ReadPacket } from '@nestjs/microservices';
import { catchError, firstValueFrom, of } from 'rxjs';

/** A payload, and the token to send with it. */
interface Message {
  readonly data?: unknown;
  readonly token?: string;
}

/** A caller of the microservice, such as another service of yours. */
export class Client {
  private readonly proxy: ClientProxy;

  constructor(port: number) {
    // Nest's TCP client sends the result of its serializer, where `metadata` is a field next to `data`.
    const serialize = ({ data: { token, data = {} }, ...packet }: ReadPacket<Message>) => ({
      ...packet,
      data,
      metadata: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    this.proxy = ClientProxyFactory.create({ transport: Transport.TCP, options: { port, serializer: { serialize } } });
  }

  /** Resolves to the response, or to the error. */
  send(pattern: string, message: Message = {}): Promise<unknown> {
    return firstValueFrom(this.proxy.send<unknown>(pattern, message).pipe(catchError((error: unknown) => of(error))));
  }

  close(): void {
    this.proxy.close();
  }
}
