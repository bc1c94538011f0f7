import 'reflect-metadata';

import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { ClerkModule, type ClerkModuleOptions } from '../../lib/index.js';
import type { Platform } from './platforms.js';
import { RecordingLogger } from './recording-logger.js';

/** The response of an application. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

/** A running Nest application on its own port, called over real HTTP. */
export class TestApp {
  private constructor(
    readonly nest: INestApplication,
    readonly logger: RecordingLogger,
  ) {}

  /** Starts to describe an application. */
  static on(platform: Platform): TestAppBuilder {
    return new TestAppBuilder(platform, (nest, logger) => new TestApp(nest, logger));
  }

  get port(): number {
    return (this.nest.getHttpServer().address() as AddressInfo).port;
  }

  get<T>(token: Type<T> | (abstract new () => T)): T {
    return this.nest.get<T>(token as Type<T>, { strict: false });
  }

  /** Sends a request with exactly this target, which `fetch` would normalize. */
  async send(target: string, headers: Record<string, string | string[]> = {}, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.port,
        path: target,
        method,
        headers,
        agent: false,
      };
      const request = httpRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const answered = new Headers();
          for (const [name, value] of Object.entries(response.headers)) {
            for (const item of [value ?? []].flat()) answered.append(name, item);
          }
          const json = /json/.test(answered.get('content-type') ?? '');
          resolve({
            status: response.statusCode!,
            headers: answered,
            body: json && text ? JSON.parse(text) : text,
          });
        });
      });
      request.on('error', reject).end();
    });
  }

  /** Sends a request with a bearer token. */
  withToken(target: string, token: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(target, { authorization: `Bearer ${token}`, ...headers });
  }

  close(): Promise<void> {
    return this.nest.close();
  }
}

/** Describes an application: `TestApp.on(platform).controllers(A).clerk(options).start()`. */
export class TestAppBuilder {
  private readonly metadata: Required<Pick<ModuleMetadata, 'imports' | 'controllers' | 'providers'>> = {
    imports: [],
    controllers: [],
    providers: [],
  };
  private configure: (nest: INestApplication) => unknown = () => undefined;
  private trustProxy: boolean | string = false;

  constructor(
    private readonly platform: Platform,
    private readonly build: (nest: INestApplication, logger: RecordingLogger) => TestApp,
  ) {}

  controllers(...controllers: Type[]): this {
    this.metadata.controllers.push(...controllers);
    return this;
  }

  providers(...providers: NonNullable<ModuleMetadata['providers']>): this {
    this.metadata.providers.push(...providers);
    return this;
  }

  imports(...modules: NonNullable<ModuleMetadata['imports']>): this {
    this.metadata.imports.push(...modules);
    return this;
  }

  clerk(options?: ClerkModuleOptions & { guard?: boolean; isGlobal?: boolean }): this {
    return this.imports(ClerkModule.forRoot(options));
  }

  /** Makes the application trust the forwarded headers of any proxy, or of the one at an address. */
  trustingItsProxy(trustProxy: boolean | string = true): this {
    this.trustProxy = trustProxy;
    return this;
  }

  /** Changes the application before it listens. */
  before(configure: (nest: INestApplication) => unknown): this {
    this.configure = configure;
    return this;
  }

  async start(): Promise<TestApp> {
    @Module(this.metadata)
    class AppModule {}
    const logger = new RecordingLogger();
    const nest = await NestFactory.create<INestApplication>(AppModule, this.platform({ trustProxy: this.trustProxy }), {
      logger,
      abortOnError: false,
      forceCloseConnections: true,
    });
    await this.configure(nest);
    await nest.listen(0, '127.0.0.1');
    return this.build(nest, logger);
  }
}
