"""The paper's networks (Tables 1-4) in PyTorch, and their ONNX form."""
