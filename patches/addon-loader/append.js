
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
