import { ClientProxyFactory, Transport, type ClientProxy, type ReadPacket } from '@nestjs/microservices';
import { catchError, firstValueFrom, of } from 'rxjs';

/** A payload, and the token that goes beside it. */
interface Message {
  readonly data?: unknown;
  readonly token?: string;
}

/** A caller of the microservice, such as another service of yours. */
export class Client {
  private readonly proxy: ClientProxy;

  constructor(port: number) {
    // Nest's TCP client sends what its serializer makes; metadata is a field beside `data`.
    const serialize = ({ data: { token, data = {} }, ...packet }: ReadPacket<Message>) => ({
      ...packet,
      data,
      metadata: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    this.proxy = ClientProxyFactory.create({ transport: Transport.TCP, options: { port, serializer: { serialize } } });
  }

  /** The answer, or the error in its place. */
  send(pattern: string, message: Message = {}): Promise<unknown> {
    return firstValueFrom(this.proxy.send<unknown>(pattern, message).pipe(catchError((error: unknown) => of(error))));
  }

  close(): void {
    this.proxy.close();
  }
}
