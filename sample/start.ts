import type { Server } from 'node:http';

import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { LocalClerk } from 'nest-clerk/testing';

import { AppModule } from './app.module.js';
import { startFrontend } from './frontend.js';
import { seed, type Callers } from './local-clerk.js';
import { origins } from './origins.js';

/** Started if there are no Clerk keys: a local Clerk, its callers, and a frontend on another origin. */
export interface LocalServices {
  readonly clerk: LocalClerk;
  readonly callers: Callers;
  readonly frontend: Server;
}

/** The running sample. */
export interface Sample {
  readonly app: INestApplication;
  /** Absent if the environment has the keys of a real instance. */
  readonly local?: LocalServices;
  close(): Promise<void>;
}

/** Starts the API, on Express or another adapter of Nest, with a local Clerk if there are no keys. */
export async function startSample(
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
  options: NestApplicationOptions = {},
): Promise<Sample> {
  const local = process.env.CLERK_SECRET_KEY ? undefined : await startLocalServices();
  const app = await NestFactory.create(AppModule, adapter, options);
  app.enableShutdownHooks();
  // Only the frontend's origins may call from a browser. Its scripts may read the headers that say why a call was denied.
  app.enableCors({
    origin: [...origins().frontends],
    exposedHeaders: ['WWW-Authenticate', 'Retry-After', 'x-clerk-auth-status', 'x-clerk-auth-reason'],
  });
  const close = async (): Promise<void> => {
    local?.frontend.close();
    await Promise.all([app.close(), local?.clerk.stop()]);
  };
  try {
    await app.listen(origins().port);
  } catch (error) {
    await close();
    throw error;
  }
  return { app, local, close };
}

async function startLocalServices(): Promise<LocalServices> {
  const clerk = await LocalClerk.start();
  Object.assign(process.env, clerk.env);
  const { api, frontendPort } = origins();
  try {
    const { signInUrl } = clerk.options;
    const frontend = await startFrontend(frontendPort, { apiUrl: api, clerkUrl: clerk.url, signInUrl });
    return { clerk, callers: await seed(clerk, api), frontend };
  } catch (error) {
    await clerk.stop();
    throw error;
  }
}
