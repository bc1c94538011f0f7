import type { Server } from 'node:http';

import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { LocalClerk } from 'nest-clerk/testing';

import { AppModule } from './app.module.js';
import { startFrontend } from './frontend.js';
import { seed, type Callers } from './local-clerk.js';
import { origins } from './origins.js';

/** The Clerk that stands in for want of keys, whom it knows, and a frontend on another origin. */
export interface LocalSide {
  readonly clerk: LocalClerk;
  readonly callers: Callers;
  readonly frontend: Server;
}

/** The running sample. */
export interface Sample {
  readonly app: INestApplication;
  /** Absent where the keys of a real instance are in the environment. */
  readonly local?: LocalSide;
  close(): Promise<void>;
}

/** Starts the API on Express, or on another adapter of Nest, and what it needs. */
export async function startSample(
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
  options: NestApplicationOptions = {},
): Promise<Sample> {
  const local = process.env.CLERK_SECRET_KEY ? undefined : await startLocalSide();
  const app = await NestFactory.create(AppModule, adapter, options);
  app.enableShutdownHooks();
  // Browsers let the frontend's pages call, and no others; its scripts may read why a call was refused.
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

async function startLocalSide(): Promise<LocalSide> {
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
