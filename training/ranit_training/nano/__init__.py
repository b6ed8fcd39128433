"""The embedded model: a small Llama, pre-trained on plain text and then tuned like any other base."""
