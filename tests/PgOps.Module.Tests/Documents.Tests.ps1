# What the README, the about topics and the guides say is so: their examples run, their links lead somewhere, their lists are whole.

BeforeDiscovery {
    $root = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path
    $code = '(?m)^```powershell|(?<=\n\r?\n) {8,}(\$|\[|try \{|[A-Z]\w+-\w+)'
    $guides = Get-ChildItem (Join-Path $root 'docs') -Recurse -Include 'about_*.help.txt', '*.md' | Sort-Object Name |
        Where-Object { $_.Name -notmatch '^\w+-Pg\w+\.md$' -and (Get-Content $_.FullName -Raw) -match $code }
    $documents = @('README.md', 'README.md, empty') + @($guides | ForEach-Object { $_.Name -replace '\.help\.txt$' })
    $markdown = @(
        Get-ChildItem $root -Filter '*.md'
        Get-ChildItem (Join-Path $root 'docs'), (Join-Path $root 'examples') -Filter '*.md' -Recurse
    ) | ForEach-Object { [System.IO.Path]::GetRelativePath($root, $_.FullName) }
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    $cmdlets = @((Import-PowerShellDataFile $PgOpsModule).CmdletsToExport)
}

Describe 'Examples of the documents' {
    BeforeAll {
        $results = Join-Path $TestDrive 'documents.json'
        $runner = Join-Path $PSScriptRoot 'Invoke-DocumentExamples.ps1'
        Invoke-Fresh "& '$runner' -Module '$PgOpsModule' -Folder '$TestDrive/documents' -ResultPath '$results'" | Out-Host
        $ran = Get-Content $results -Raw | ConvertFrom-Json

        # What a block printed.
        function Get-Said([string] $Document, [string] $Code) {
            $blocks = @($ran | Where-Object { $_.Document -eq $Document -and $_.Code -like $Code })
            $blocks.Count | Should -Be 1 -Because $Code
            $blocks[0].Output
        }
    }

    It '<_>: they run as they are written' -ForEach $documents {
        $name = $_
        $blocks = @($ran | Where-Object Document -EQ $name)
        $blocks.Count | Should -BeGreaterThan 0
        $blocks | Where-Object Error | ForEach-Object { "line $($_.Line): $($_.Code) $($_.Error)" } | Should -BeNullOrEmpty
        foreach ($block in $blocks | Where-Object NotRun) { Write-Host "$name, line $($block.Line) is not run: $($block.NotRun)" }
    }

    It '<_>: Test-PgTarget shows the role, the superuser and the pooler' -ForEach 'README.md', 'README.md, empty' {
        $said = Get-Said $_ '*postgresql:*'
        $said |
            Should -Match '(?s)Target +: shop@\S+\s+Passed +: True\s+ServerVersion +: \d+.*CurrentUser +: postgres\s+IsSuperuser +: True'
        $said | Should -Match 'TransactionPooler +: False'
    }

    It '<_>: the backup is proven, and the restored copy equal' -ForEach 'README.md', 'README.md, empty' {
        $said = Get-Said $_ '$backup = Backup-PgDatabase*'
        $said | Should -Match 'shop +Proven'
        $said | Should -Match 'Passed +: True'
    }

    It '<_>: the nightly line writes its reports' -ForEach 'README_md', 'README_md_empty' {
        Get-Content (Join-Path $TestDrive "documents/$_/drill.html") -Raw | Should -BeLike '*The backup is proven*'
        ([xml](Get-Content (Join-Path $TestDrive "documents/$_/drill.xml") -Raw)).testsuites.testsuite.failures | Should -Be 0
    }

    It 'README.md, typed in the clone, leaves nothing that git shows' {
        $world = Join-Path $TestDrive 'documents/README_md_empty'
        $written = @(Get-ChildItem $world -Recurse -File -Force).ForEach({ [System.IO.Path]::GetRelativePath($world, $_.FullName) })
        $written.Count | Should -BeGreaterThan 5
        $written | Where-Object { git -C $PgOpsRoot check-ignore -q --no-index -- $_; $LASTEXITCODE -ne 0 } | Should -BeNullOrEmpty
    }
}

Describe 'README' {
    BeforeAll {
        $readme = Get-Content (Join-Path $PgOpsRoot 'README.md') -Raw
    }

    It 'says the two commands before anything else, and installing comes within the first 60 lines' {
        $first = ($readme -split "`n" | Select-Object -First 60) -join "`n"
        $first | Should -Match 'dotnet tool restore && dotnet pwsh build\.ps1 Demo -Bootstrap'
        $first | Should -Match 'dotnet tool restore && dotnet pwsh build\.ps1 Test -Bootstrap'
        $first | Should -Match '(?m)^## Install$'
    }

    It 'has a line for every cmdlet, of one line each, and none for another' {
        $rows = [regex]::Matches($readme, '(?m)^\| \[`(\w+-Pg\w+)`\]\(docs/help/(\w+-Pg\w+)\.md\) \| [^|\n]{10,110} \|$')
        $rows.ForEach({ $_.Groups[1].Value }) | Sort-Object | Should -Be ($cmdlets | Sort-Object)
        $rows.ForEach({ $_.Groups[2].Value }) | Sort-Object | Should -Be ($cmdlets | Sort-Object)
    }

    It 'shows pictures of less than 150 kB' {
        $pictures = @(Get-ChildItem (Join-Path $PgOpsRoot 'docs/pictures') -Filter *.png)
        $pictures.Count | Should -Be 2
        $pictures | Where-Object Length -GT 150kB | Should -BeNullOrEmpty
    }
}

Describe 'Names in <_>' -ForEach $markdown {
    BeforeAll {
        $name = $_
        $text = (Get-Content (Join-Path $PgOpsRoot $name) -Raw) -replace '(?ms)^```.*?^```'
        $files = @(git -C $PgOpsRoot ls-files --cached --others --exclude-standard)
        $spans = [regex]::Matches($text, '`([^`\n]+)`').ForEach({ $_.Groups[1].Value })
        # A clone without git's folder has nothing to compare with.
        if (-not $files) { throw 'git lists no files.' }
    }

    It 'are of cmdlets that exist' {
        [regex]::Matches($text, '\b[A-Z][a-z]+-Pg[A-Z]\w+').ForEach({ $_.Value }) | Select-Object -Unique |
            Where-Object { $_ -notin $cmdlets -and $name -ne 'CHANGELOG.md' } | Should -BeNullOrEmpty
    }

    It 'are of files and folders that exist' {
        # It tells of what is gone, too.
        if ($name -eq 'CHANGELOG.md') { return }
        $inFolder = '^(src|tests|docs|examples|module|\.ci|\.config|\.github)/[\w.\-/]+$'
        $spans | Where-Object { $_ -match $inFolder -or $_ -match '^[\w.\-/]+\.(cs|ps1|psd1|psm1|ps1xml)$' } |
            Where-Object {
                $path = $_.TrimEnd('/') -replace '^\./'
                -not ($files -match "(^|/)$([regex]::Escape($path))(/|$)")
            } | Should -BeNullOrEmpty
    }
}

Describe 'Steps in CONTRIBUTING' {
    It 'name what the files that they name hold' {
        $text = Get-Content (Join-Path $PgOpsRoot 'CONTRIBUTING.md') -Raw
        $files = @(git -C $PgOpsRoot ls-files --cached --others --exclude-standard) -match '\.(cs|ps1|psd1|ps1xml)$'
        $steps = @([regex]::Matches($text, '(?m)^\d+\. .*(\n +.*)*').ForEach({ $_.Value }))
        $steps.Count | Should -BeGreaterThan 30
        $wrong = foreach ($step in $steps) {
            $spans = [regex]::Matches($step, '`([^`\n]+)`').ForEach({ $_.Groups[1].Value })
            $named = @($spans -match '/|\.(cs|ps1|psd1|ps1xml)$' -notmatch '<' | ForEach-Object {
                    $files -match "(^|/)$([regex]::Escape($_.TrimEnd('/')))(/|$)"
                })
            if (-not $named) { continue }
            $code = ($named | ForEach-Object { Get-Content (Join-Path $PgOpsRoot $_) -Raw; Split-Path $_ -LeafBase }) -join "`n"
            $spans -cmatch '^[A-Z]\w*[a-z]\w*$' | Where-Object { $code -cnotmatch "\b$_\b" } | ForEach-Object { "$_ in: $step" }
        }
        $wrong | Should -BeNullOrEmpty
    }
}

Describe 'about_PgOps' {
    It 'lists every cmdlet' {
        $topic = Get-Content (Join-Path $PgOpsRoot 'docs/help/about_PgOps.help.txt') -Raw
        $list = [regex]::Match($topic, '(?s)\n  THE CMDLETS\n(.*?)\n  [A-Z]').Groups[1].Value
        [regex]::Matches($list, '\b[A-Z]\w+-Pg\w+').ForEach({ $_.Value }) | Sort-Object | Should -Be ($cmdlets | Sort-Object)
    }
}

Describe 'Links of <_>' -ForEach $markdown {
    It 'lead to files and headings that exist' {
        $file = Join-Path $PgOpsRoot $_
        $text = (Get-Content $file -Raw) -replace '(?ms)^```.*?^```' -replace '`[^`\n]+`'
        $broken = foreach ($match in [regex]::Matches($text, '\]\((?!\w+://)(?<path>[^)#\s]*)(#(?<heading>[^)\s]+))?\)')) {
            $path = $match.Groups['path'].Value
            $there = $path ? (Join-Path (Split-Path $file) $path) : $file
            if (-not (Test-Path $there)) { $match.Value; continue }
            if (-not $match.Groups['heading'].Success) { continue }
            $headings = [regex]::Matches((Get-Content $there -Raw), '(?m)^#+ (.+?)\s*$').ForEach({
                    $_.Groups[1].Value.ToLowerInvariant() -replace '[^\w\- ]' -replace ' ', '-'
                })
            if ($match.Groups['heading'].Value -notin $headings) { $match.Value }
        }
        $broken | Should -BeNullOrEmpty
    }
}
