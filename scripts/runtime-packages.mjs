/**
 * What is installed with the package, out of the lockfile: its dependencies, and theirs. Peers are not; they are there
 * already.
 */
export function runtimePackages({ dependencies = {} }, { packages }) {
  const found = {};
  const add = (name, from) => {
    const place = placeOf(name, from, packages);
    if (place === undefined) throw new Error(`The lockfile lacks ${name}, which ${from || 'the package'} depends on.`);
    if (place in found) return;
    found[place] = packages[place];
    const { dependencies: own = {}, optionalDependencies: optional = {} } = packages[place];
    for (const each of Object.keys({ ...own, ...optional })) add(each, place);
  };
  for (const name of Object.keys(dependencies)) add(name, '');
  return found;
}

/** Where Node finds a package: beside the one that wants it, or further up. */
function placeOf(name, from, packages) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (place in packages) return place;
    if (folder === '') return undefined;
  }
}
