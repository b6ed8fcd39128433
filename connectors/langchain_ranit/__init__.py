"""RANIT in LangChain: a tool, a retriever, an example selector, models over an engine, and a graph node."""
