/**
 * Finds the packages in the lockfile that are installed with this one: its dependencies and their dependencies, but no peer
 * dependencies, which the application brings.
 */
export function runtimePackages({ dependencies = {} }, { packages }) {
  const found = {};
  const add = (name, from) => {
    const path = resolve(name, from, packages);
    if (path === undefined) throw new Error(`The lockfile lacks ${name}, which ${from || 'the package'} depends on.`);
    if (path in found) return;
    found[path] = packages[path];
    const { dependencies: required = {}, optionalDependencies: optional = {} } = packages[path];
    for (const dependency of Object.keys({ ...required, ...optional })) add(dependency, path);
  };
  for (const name of Object.keys(dependencies)) add(name, '');
  return found;
}

/** Resolves a package like Node: in node_modules of the dependent package, or of a folder above. */
function resolve(name, from, packages) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === '') return undefined;
  }
}
