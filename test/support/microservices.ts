import 'reflect-metadata';

import { Module, type INestMicroservice, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Transport, type ClientProxy, type MicroserviceOptions } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

import { freePort, startRedis, withoutRedis } from './redis.js';
import { RecordingLogger } from './recording-logger.js';

/** The transport that messages are sent over, with its broker, if any. */
export interface Wire {
  readonly options: MicroserviceOptions;
  stop(): Promise<void>;
}

/** The transports that microservices are tested over, with the reason if one is skipped. */
export const WIRES: readonly (readonly [name: string, start: () => Promise<Wire>, missing?: string])[] = [
  [
    'TCP',
    async () => ({
      options: { transport: Transport.TCP, options: { host: '127.0.0.1', port: await freePort() } },
      stop: async () => undefined,
    }),
  ],
  [
    'Redis',
    async () => {
      const { port, stop } = await startRedis();
      return { options: { transport: Transport.REDIS, options: { host: '127.0.0.1', port } }, stop };
    },
    withoutRedis,
  ],
];

/** Describes a suite for each transport, which is skipped if its broker is missing. */
export function describeOverWires(theme: string, suite: (start: () => Promise<Wire>, name: string) => void): void {
  for (const [name, start, missing] of WIRES) {
    const title = `${theme} over ${name}`;
    if (missing) describe.skip(`${title} (skipped: ${missing})`, () => suite(start, name));
    else describe(title, () => suite(start, name));
  }
}

/** What a caller sends: the payload, and metadata next to it. */
export interface Message {
  readonly data?: unknown;
  readonly metadata?: unknown;
}

/** Sends messages as Nest's client does, with metadata next to the payload. */
export class Caller {
  private readonly client: ClientProxy;

  constructor({ options }: Wire) {
    const serializer = {
      serialize: ({ pattern, data, id }: { pattern: string; data: Message; id?: string }) => ({ pattern, id, ...data }),
    };
    this.client = ClientProxyFactory.create({
      ...options,
      options: { ...(options as { options: object }).options, serializer },
    } as unknown as Parameters<typeof ClientProxyFactory.create>[0]);
  }

  /** Returns the response, or `{ error }`. */
  send(pattern: string, message: Message = {}): Promise<any> {
    return firstValueFrom(this.client.send(pattern, { data: {}, ...message })).catch((error: unknown) => ({ error }));
  }

  /** Emits an event, and returns once it was sent. */
  async emit(pattern: string, message: Message = {}): Promise<void> {
    await firstValueFrom(this.client.emit(pattern, { data: {}, ...message }), { defaultValue: undefined });
  }

  close(): Promise<void> {
    return Promise.resolve(this.client.close());
  }
}

/** Starts an application that is only a microservice. */
export async function startMicroservice(
  metadata: ModuleMetadata,
  { options }: Wire,
): Promise<{ readonly nest: INestMicroservice; readonly logger: RecordingLogger }> {
  @Module(metadata)
  class AppModule {}
  const logger = new RecordingLogger();
  const nest = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    ...options,
    logger,
    abortOnError: false,
  });
  await nest.listen();
  return { nest, logger };
}
