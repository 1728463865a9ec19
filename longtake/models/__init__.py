"""The seam to every pretrained model: the model store, profiles and adapters behind small Protocols."""
