// Package editor shows what an editor makes of the schemas that `durward schema` prints: it opens files of a configuration
// in the JSON language service of VS Code, without a window, and asks what is completed, flagged and explained.
//
// It owns that conversation. It promises that schemas come from the real binary and reach the editor as they would reach a
// person's, by the property $schema of the file. It is not for what the gateway itself says of a configuration.
package editor
