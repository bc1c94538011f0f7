import { Test } from '@nestjs/testing';
import { ClerkModule } from 'nest-clerk';
import { LocalClerk } from 'nest-clerk/testing';

const MODULE_PROPERTIES = ['imports', 'controllers', 'providers', 'exports'];

const isModule = (declared) =>
  typeof declared === 'object' || MODULE_PROPERTIES.some((property) => Reflect.hasMetadata(property, declared));
const isController = (declared) => Reflect.hasMetadata('__controller__', declared);

/** Runs a snippet with the keys of a local Clerk in the environment, and boots the classes and modules it declares. */
export async function runSnippet({ run }) {
  const clerk = await LocalClerk.start();
  Object.assign(process.env, clerk.env, {
    MY_CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
    MY_CLERK_SECRET_KEY: clerk.secretKey,
  });
  await run(boot);
  await clerk.stop();
}

/** Boots the modules, or if there are none, a module with the controllers and providers. This validates options and policies. */
async function boot(declarations) {
  if (declarations.length === 0) return;
  const modules = declarations.filter(isModule);
  const rest = declarations.filter((declared) => !isModule(declared));
  const module = await Test.createTestingModule({
    imports: modules.length > 0 ? modules : [ClerkModule.forRoot()],
    controllers: rest.filter(isController),
    providers: rest.filter((declared) => !isController(declared)),
  })
    .setLogger(false)
    .compile();
  const app = await module.createNestApplication().init();
  await app.close();
}
