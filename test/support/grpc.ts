import 'reflect-metadata';

import { join } from 'node:path';

import { Module, type INestApplicationContext, type INestMicroservice, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

import { RecordingLogger } from './recording-logger.js';
import { freePort } from './redis.js';

const protoPath = join(__dirname, 'proto', 'callers.proto');

/** What a client receives from a call: the last message, or an error. */
interface GrpcAnswer {
  readonly answer?: { readonly userId: string };
  readonly error?: ServiceError;
}

/** A Nest microservice over gRPC, and a grpc-js client that calls it. */
export class GrpcService {
  private constructor(
    readonly nest: INestApplicationContext,
    readonly logger: RecordingLogger,
    private readonly client: any,
  ) {}

  static async start(metadata: ModuleMetadata, prepare?: (nest: INestMicroservice) => void): Promise<GrpcService> {
    const { options, url, AppModule, logger } = await GrpcService.describe(metadata);
    const all = { ...options, logger, abortOnError: false };
    const nest = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, all);
    prepare?.(nest);
    await nest.listen();
    return GrpcService.calling(url, nest, logger);
  }

  /** Starts the same in an HTTP application, whose global guards it does not inherit. */
  static async startUnguarded(metadata: ModuleMetadata): Promise<GrpcService> {
    const { options, url, AppModule, logger } = await GrpcService.describe(metadata);
    const nest = await NestFactory.create(AppModule, { logger, abortOnError: false });
    nest.connectMicroservice<MicroserviceOptions>(options);
    await nest.startAllMicroservices();
    return GrpcService.calling(url, nest, logger);
  }

  private static async describe(metadata: ModuleMetadata) {
    @Module(metadata)
    class AppModule {}
    const url = `127.0.0.1:${await freePort()}`;
    const options: MicroserviceOptions = {
      transport: Transport.GRPC,
      options: { package: 'callers', protoPath, url },
    };
    return { options, url, AppModule, logger: new RecordingLogger() };
  }

  private static calling(url: string, nest: INestApplicationContext, logger: RecordingLogger): GrpcService {
    const { callers } = loadPackageDefinition(loadSync(protoPath)) as any;
    return new GrpcService(nest, logger, new callers.Callers(url, credentials.createInsecure()));
  }

  /** Calls a method, streaming as its definition says, with one message if the client streams. */
  call(method: string, headers: Readonly<Record<string, string>> = {}): Promise<GrpcAnswer> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const { requestStream, responseStream } = this.client[method];
    return new Promise((resolve) => {
      let answer: GrpcAnswer['answer'];
      const settle = (error: ServiceError | null, given = answer) => resolve(error ? { error } : { answer: given! });
      const sent: unknown[] = requestStream ? [] : [{ text: 'hello' }];
      const call = this.client[method](...sent, metadata, ...(responseStream ? [] : [settle]));
      if (responseStream) {
        call.on('data', (data: typeof answer) => (answer = data));
        call.on('error', (error: ServiceError) => settle(error));
        call.on('end', () => settle(null));
      }
      if (requestStream) {
        call.write({ text: 'hello' });
        // Nest 11 loses the messages of a client that ends its stream before the guard has finished.
        if (responseStream && headers.authorization) call.once('data', () => call.end());
        else call.end();
      }
    });
  }

  async close(): Promise<void> {
    this.client.close();
    await this.nest.close();
  }
}
