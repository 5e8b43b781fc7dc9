#!/usr/bin/env bash
# Opens a pull request that lets a stack run an image: propose.sh STACK IMAGE, in the root of the repository.
# Needs git, gh and GH_TOKEN. GitHub starts no checks for what a workflow's own token opens: close the pull request and
# open it again, or add the label `environment`.
set -euo pipefail

stack=${1:?propose: no stack is given; allowed: dev or prod.}
image=${2:?propose: no image is given; allowed: REPOSITORY@sha256:DIGEST.}
file="Pulumi.$stack.yaml"
if [[ ! $image =~ ^[a-z0-9./-]+@sha256:[0-9a-f]{64}$ ]]; then
  echo "propose: $image is not allowed; allowed: REPOSITORY@sha256: and 64 hexadecimal digits; push the image first." >&2
  exit 2
fi
if ! grep -q '^  softpos:serviceImage: ' "$file"; then
  echo "propose: $file has no softpos:serviceImage; a stack of several services is changed by hand." >&2
  exit 2
fi
sed -i "s#^\(  softpos:serviceImage: \).*#\1$image#" "$file"
if git diff --quiet -- "$file"; then
  echo "propose: $stack runs $image already."
  exit 0
fi
digest=${image##*:}
branch="image-$stack-${digest:0:12}"
git switch --create "$branch"
git -c user.name=github-actions -c user.email=github-actions@users.noreply.github.com \
  commit --message "Let $stack run the image ${digest:0:12}" -- "$file"
gh auth setup-git
git push origin "$branch"
gh pr create --base main --head "$branch" --title "Let $stack run the image ${digest:0:12}" \
  --body "The image \`$image\`. The label \`environment\` gives it a test environment."
