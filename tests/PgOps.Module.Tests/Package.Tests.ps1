# What ./build.ps1 Package makes, and whether a normal user can publish, install and use it. build.ps1 Test has made it.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    if (-not $env:PGOPS_MODULE) {
        Invoke-Pwsh -File (Join-Path $PgOpsRoot 'build.ps1') Package -NoBuild | Out-Null
        if ($LASTEXITCODE -ne 0) { throw 'build.ps1 Package failed.' }
    }
    $manifest = Import-PowerShellDataFile (Join-Path $PgOpsRoot 'PgOps.psd1')
    $version = $manifest.ModuleVersion
    $stage = Join-Path $PgOpsRoot "out/PgOps/$version"

    # The files below a folder by their paths there.
    function Get-Name([string] $Folder) {
        Get-ChildItem $Folder -Recurse -File | ForEach-Object { [System.IO.Path]::GetRelativePath($Folder, $_.FullName).Replace('\', '/') }
    }
    $shipped = @(Get-Name $stage)
}

Describe 'the package' {
    It 'has what the gallery shows, of one project' {
        $project = $manifest.PrivateData.PSData.ProjectUri
        $project | Should -Match '^https://github\.com/[\w-]+/[\w-]+$'
        $repository = $project -replace '^https://github\.com/'
        $told = $manifest.PrivateData.PSData
        foreach ($uri in $told.LicenseUri, $told.IconUri, $told.ReleaseNotes, $manifest.HelpInfoURI) {
            $uri | Should -Match "^https://(raw\.githubusercontent|github)\.com/$repository/"
        }
        foreach ($file in $told.LicenseUri, $told.IconUri, $told.ReleaseNotes) {
            Join-Path $PgOpsRoot ($file -replace '^.*?/main/') | Should -Exist
        }
        $told.Tags | Where-Object { $_ -match '\s' } | Should -BeNullOrEmpty
        $told.Tags | Should -Contain 'PSEdition_Core'
        ([xml](Get-Content (Join-Path $PgOpsRoot 'Directory.Build.props') -Raw)).Project.PropertyGroup.Version | Should -Contain $version
    }

    It 'has notices of every library that it ships' {
        $notices = Get-Content (Join-Path $stage 'THIRD-PARTY-NOTICES.txt') -Raw
        $libraries = @((Get-ChildItem (Join-Path $stage 'module/bin') -Filter *.dll | Where-Object Name -NotLike 'PgOps.*').BaseName)
        $libraries.Count | Should -BeGreaterThan 5
        foreach ($library in $libraries) { $notices | Should -Match "(?m)^  $([regex]::Escape($library)) \d[\d.]+, licence: \S" }
        $notices | Should -Match 'Npgsql 10\.\d+\.\d+, licence: PostgreSQL'
        'Apache License', 'without fee, and without a written agreement', 'Permission is hereby granted, free of charge' |
            ForEach-Object { $notices | Should -Match $_ }
    }

    It 'is not made with a library of no package' {
        $bin = Join-Path $TestDrive 'bin'
        Copy-Item (Join-Path $stage 'module/bin') $bin -Recurse
        Copy-Item (Join-Path $bin 'Npgsql.dll') (Join-Path $bin 'Stranger.dll')
        $with = @{ Libraries = $bin; Destination = Join-Path $TestDrive 'notices.txt' }
        $with.Assets = Join-Path $PgOpsRoot 'src/PgOps.Cmdlets/obj/project.assets.json'
        $notices = Join-Path $PgOpsRoot 'docs/licences/New-ThirdPartyNotices.ps1'
        { & $notices @with } | Should -Throw 'Stranger.dll is brought by 0 of the restored packages*'
    }

    It 'has docs and examples inside, and nothing of the workshop' {
        'README.md', 'LICENSE', 'CHANGELOG.md', 'module/bin/en-US/about_PgOps.help.txt' | ForEach-Object { $shipped | Should -Contain $_ }
        $shipped | Where-Object { $_ -match '(^|/)(obj|src|tests)/|\.(cs|csproj|pdb|json)$|Convert-HelpToMaml' } | Should -BeNullOrEmpty
        $here = @(foreach ($folder in 'docs', 'examples') { (Get-Name (Join-Path $PgOpsRoot $folder)) -replace '^', "$folder/" })
        $here | Should -Contain 'examples/azure-automation/Invoke-RestoreDrillRunbook.ps1'
        $here -notmatch '^(examples/ReleaseStep/|docs/help/|docs/licences/|docs/architecture\.md)' |
            Where-Object { $_ -notin $shipped } |
            Should -BeNullOrEmpty
    }

    It 'has every file that its documents link' {
        $broken = foreach ($file in $shipped -like '*.md') {
            foreach ($link in [regex]::Matches((Get-Content (Join-Path $stage $file) -Raw), '\]\((?!\w+://|#)([^)#\s]+)')) {
                $there = Join-Path (Split-Path (Join-Path $stage $file)) $link.Groups[1].Value
                if (-not (Test-Path $there)) { "$file -> $($link.Groups[1].Value)" }
            }
        }
        $broken | Should -BeNullOrEmpty
    }

    It 'is a zip as Azure Automation takes it, and works from there' {
        $zip = [System.IO.Compression.ZipFile]::OpenRead((Join-Path $PgOpsRoot 'out/PgOps.zip'))
        try { $entries = @($zip.Entries.FullName) }
        finally { $zip.Dispose() }
        $entries | Should -HaveCount $shipped.Count
        $entries | Should -Contain 'PgOps/PgOps.psd1'
        $entries | Where-Object { $_ -notmatch '^PgOps/[^\d\\][^\\]*$' -or $_.Length -gt 140 } | Should -BeNullOrEmpty
        Expand-Archive (Join-Path $PgOpsRoot 'out/PgOps.zip') (Join-Path $TestDrive 'azure')
        $use = "Import-Module PgOps; (Get-Command -Module PgOps).Count; (Get-Module PgOps).ModuleBase"
        Invoke-Fresh "`$env:PSModulePath = '$TestDrive/azure'; $use" |
            Should -Be "$($manifest.CmdletsToExport.Count)", (Join-Path $TestDrive 'azure/PgOps')
    }
}

# Windows keeps a user's modules in the documents of the account that runs the tests, which are left alone.
Describe 'a normal user' -Skip:$IsWindows {
    BeforeAll {
        $world = (New-Item -ItemType Directory ([System.IO.Path]::GetTempPath()) -Name "pgops-package-$PID").FullName
        $null = New-Item -ItemType Directory "$world/home", "$world/feed"
        # The clone may be root's own.
        Copy-Item $stage "$world/stage" -Recurse
        $user = if ((id -u) -eq 0) { 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups' } else { @() }
        if ($user) { chown -R 65534:65534 "$world/home" "$world/feed" }

        # Runs a script as a user who is nobody special and has a home of their own, with nothing of this environment.
        function Invoke-AsUser([string] $Script) {
            $program, $first = Get-Pwsh
            $quiet = "`$ErrorActionPreference = 'Stop'; `$ProgressPreference = 'SilentlyContinue'; `$PSStyle.OutputRendering = 'PlainText'"
            $encoded = [Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes("$quiet; $Script"))
            $bare = 'env', '-i', "HOME=$world/home", "PATH=$env:PATH", "PGOPS_PG_BIN=$env:PGOPS_PG_BIN", 'LANG=C.UTF-8'
            $run, $rest = @($user) + $bare + $program + $first + '-OutputFormat' + 'Text' + '-EncodedCommand' + $encoded
            Push-Location "$world/home"
            try { & $run @rest 2>&1 | ForEach-Object { "$_" } }
            finally { Pop-Location }
        }

        # A dotnet tool that root restored lies in root's home: the user gets a copy.
        if ($user) {
            & $user[0] $user[1..9] test -r (Join-Path $PSHOME 'pwsh.dll')
            if ($LASTEXITCODE -ne 0) {
                Copy-Item $PSHOME "$world/powershell" -Recurse
                chmod -R a+r "$world/powershell"
                $ours = ${function:Get-Pwsh}
                function Get-Pwsh { & $ours | ForEach-Object { $_.Replace($PSHOME, "$world/powershell") } }
            }
        }
        Invoke-AsUser @"
            Register-PSResourceRepository feed -Uri '$world/feed' -Trusted
            Publish-PSResource '$world/stage' -Repository feed
"@ | Out-Host
    }

    AfterAll {
        Remove-Item $world -Recurse -Force
    }

    It 'starts PowerShell as it was started, also where the pwsh of a shared tool is not theirs to execute' {
        $null = New-Item -ItemType Directory "$world/tests/suites"
        Copy-Item (Join-Path $PSScriptRoot 'Common.ps1') "$world/tests/suites"
        Invoke-AsUser ". '$world/tests/suites/Common.ps1'; Invoke-Fresh '6 * 7; exit 3'; `$LASTEXITCODE" | Should -Be '42', '3'
    }

    It 'has published it' {
        "$world/feed/PgOps.$version.nupkg" | Should -Exist
    }

    # What an installed module has is known by the tags that the gallery gives it.
    It 'is refused with -NoClobber where another module has commands of the same name' {
        $said = Invoke-AsUser @"
            `$other = (New-Item -ItemType Directory "`$HOME/PostgresCmdlets").FullName
            Set-Content "`$other/PostgresCmdlets.psm1" 'function Backup-PgDatabase { "another" }'
            New-ModuleManifest "`$other/PostgresCmdlets.psd1" -RootModule PostgresCmdlets.psm1 -ModuleVersion 1.0 -Description other ``
                -CmdletsToExport Backup-PgDatabase -Tags PSCmdlet_Backup-PgDatabase, PSCommand_Backup-PgDatabase
            Publish-PSResource `$other -Repository feed
            Install-PSResource PostgresCmdlets -Repository feed
            try { Install-PSResource PgOps -Repository feed -NoClobber } catch { "`$_" }
            @(Get-InstalledPSResource).Name
            Uninstall-PSResource PostgresCmdlets
"@
        $said[0] | Should -BeLike "*commands are already available on this system: *'Backup-PgDatabase*"
        $said[1..9] | Should -Be 'PostgresCmdlets'
    }

    It 'installs it, and a sandbox starts' {
        $said = Invoke-AsUser @"
            Install-PSResource PgOps -Repository feed -NoClobber
            Import-Module PgOps
            (Get-Module PgOps).ModuleBase
            (Get-Command -Module PgOps).Count
            (Get-Help Backup-PgDatabase).Synopsis
            `$sandbox = Start-PgSandbox -Database shop
            (Test-PgTarget `$sandbox).Passed
            Stop-PgSandbox `$sandbox
"@
        $said[0] | Should -Be "$world/home/.local/share/powershell/Modules/PgOps/$version"
        $said[1] | Should -Be $manifest.CmdletsToExport.Count
        $said[2] | Should -BeLike 'Backs a database up*'
        $said[3..9] | Should -Be 'True'
    }
}
