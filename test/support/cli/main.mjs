import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.mjs';

/** Like main.ts of a new Nest application. */
async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(0);
}
export const started = bootstrap();
