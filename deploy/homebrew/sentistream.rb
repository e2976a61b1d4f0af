# For your own tap: brew install --formula deploy/homebrew/sentistream.rb
# Its dependencies come as wheels: those of PyAV and ONNX Runtime include FFmpeg and other libraries.
# scripts/fill_recipes.py writes the version and the checksum of a release's sdist.
class Sentistream < Formula
  desc "Says in real time how people on video feel: positive, neutral or negative"
  homepage "https://pypi.org/project/sentistream/"
  url "https://files.pythonhosted.org/packages/source/s/sentistream/sentistream-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"

  depends_on "python@3.13"

  # wheels contain libraries that Homebrew would otherwise try to relink
  preserve_rpath

  def install
    python = Formula["python@3.13"].opt_bin/"python3.13"
    system python, "-m", "venv", libexec
    system libexec/"bin/pip", "install", "--prefer-binary", buildpath
    bin.install_symlink libexec/"bin/sentistream"
  end

  test do
    assert_match "sentistream", shell_output("#{bin}/sentistream --version")
    system bin/"sentistream", "models", "verify"
    system bin/"sentistream", "doctor"
  end
end
