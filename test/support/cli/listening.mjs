import { createServer } from 'node:http';

export { AppModule } from './app.module.mjs';

/** As an application that is not made by Nest's own factory. */
createServer().listen(0);
