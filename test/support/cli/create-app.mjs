import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.mjs';

/** Creates the application as `main.ts` does, without listening. */
export async function createApp() {
  const app = await NestFactory.create(AppModule);
  app.setGlobalPrefix('api');
  return app;
}

export default createApp;

export const createNothing = () => undefined;

export class Forgotten {}
