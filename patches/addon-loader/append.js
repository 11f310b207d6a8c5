
// wasmfix @VERSION@ (addon-loader): SQLite in WebAssembly instead of the native addon. Undo with: wasmfix restore
function wasmfixAddon() {
	try {
		return require('../wasmfix/addon.cjs');
	} catch (error) {
		if (error.code !== 'MODULE_NOT_FOUND' || !/wasmfix[\\/]addon\.cjs/.test(error.message)) throw error;
		const missing = new Error(`${path.resolve(__dirname, '..', 'wasmfix')} is missing or incomplete; run: wasmfix patch`);
		missing.code = 'MODULE_NOT_FOUND';
		missing.cause = error;
		throw missing;
	}
}

// The package's own binary is what the engine stands for, whoever names it; any other file is loaded as it is.
function wasmfixBinding(requireFunc, file) {
	let own = file;
	try {
		own = path.join(fs.realpathSync(path.dirname(file)), path.basename(file));
	} catch (_) {
		// Its folder may be absent: then there is nothing to resolve.
	}
	own = path.relative(path.resolve(__dirname, '..'), own).split(path.sep).join('/');
	return /^(build\/(Release|Debug)\/better_sqlite3|prebuilds\/([^/]+\/node\b[^/]*|[^/]+))\.node$/.test(own) ? wasmfixAddon() : requireFunc(file);
}
