"""RANIT in LlamaIndex."""
