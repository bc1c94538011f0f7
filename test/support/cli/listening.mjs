import { createServer } from 'node:http';

export { AppModule } from './app.module.mjs';

/** Like an application that is not created by Nest's factory. */
createServer().listen(0);
