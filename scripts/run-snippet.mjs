import { Test } from '@nestjs/testing';
import { ClerkModule } from 'nest-clerk';
import { LocalClerk } from 'nest-clerk/testing';

const MODULE_PROPERTIES = ['imports', 'controllers', 'providers', 'exports'];

const isModule = (part) =>
  typeof part === 'object' || MODULE_PROPERTIES.some((property) => Reflect.hasMetadata(property, part));
const isController = (part) => Reflect.hasMetadata('__controller__', part);

/** Runs a snippet with the keys of a local Clerk in the environment, and boots what it declares. */
export async function runSnippet({ run }) {
  const clerk = await LocalClerk.start();
  Object.assign(process.env, clerk.env, {
    MY_CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
    MY_CLERK_SECRET_KEY: clerk.secretKey,
  });
  await run(boot);
  await clerk.stop();
}

/** Boots modules, or else controllers and providers in a module of their own. That validates options and policies. */
async function boot(parts) {
  if (parts.length === 0) return;
  const modules = parts.filter(isModule);
  const rest = parts.filter((part) => !isModule(part));
  const module = await Test.createTestingModule({
    imports: modules.length > 0 ? modules : [ClerkModule.forRoot()],
    controllers: rest.filter(isController),
    providers: rest.filter((part) => !isController(part)),
  })
    .setLogger(false)
    .compile();
  const app = await module.createNestApplication().init();
  await app.close();
}
